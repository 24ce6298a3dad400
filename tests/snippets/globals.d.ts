declare const text: string
declare function trainOneEpoch(
  ...data: unknown[]
): Promise<{ loss: number; accuracy: number; mAP: number; file: string }>
