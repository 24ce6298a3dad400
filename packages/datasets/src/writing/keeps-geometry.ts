import type { TaskType } from '@trainyard/contract'

/** The geometry to write for a task, in formats that can hold all of it: everything, unless another task is requested. */
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
