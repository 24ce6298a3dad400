/** Facts about the image, before its objects. */
export const DOTA_HEADER = /^(?:imagesource|gsd|acquisition dates|imagename)\s*:/i
/** A header, or four corners, a class, and whether it is difficult. */
export const DOTA_LINE =
  /^(?:(?:imagesource|gsd|acquisition dates|imagename)\s*:.*|(?:-?[\d.]+(?:e[+-]?\d+)?[\s,]+){8}[^\s,\d][^\s,]*(?:[\s,]+[012])?)\s*$/i
