import type { TaskType } from '@trainyard/contract'

/** Which geometry goes into a dataset for a task, in formats that can hold all of it: all, unless another task is asked for. */
export function keepsGeometry(
  task: TaskType,
  sourceTask: TaskType,
): { outline: boolean; keypoints: boolean; obb: boolean } {
  const isSame = task === sourceTask
  return {
    outline: isSame || task === 'segmentation' || task === 'pose',
    keypoints: isSame || task === 'pose',
    obb: isSame || task === 'obb',
  }
}
