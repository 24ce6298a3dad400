/** Type, truncated, occluded, alpha, four sides of the box, and seven numbers in space; results add a score. */
export const KITTI_ROW = /^[A-Za-z][\w-]*(?:\s+-?[\d.]+(?:e[+-]?\d+)?){14,15}\s*$/i
