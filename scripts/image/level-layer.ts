const BLOCK = 512
const MTIME = { at: 136, length: 12 }
const CHECKSUM = { at: 148, length: 8 }

/** Gives every entry of a tar archive the time zero, in place. Contents, names and their order stay as they are. */
export function levelLayer(archive: Buffer): void {
  let at = 0
  while (at + BLOCK <= archive.length) {
    const header = archive.subarray(at, at + BLOCK)
    // Two empty blocks end the archive.
    if (header[0] === 0) break
    header.write('00000000000\0', MTIME.at, MTIME.length, 'latin1')
    header.fill(' ', CHECKSUM.at, CHECKSUM.at + CHECKSUM.length)
    const sum = header.reduce((total, byte) => total + byte, 0)
    header.write(`${sum.toString(8).padStart(6, '0')}\0 `, CHECKSUM.at, CHECKSUM.length, 'latin1')
    at += BLOCK + Math.ceil(sizeOf(header) / BLOCK) * BLOCK
  }
}

function sizeOf(header: Buffer): number {
  // Sizes of 8 GiB and more are binary; no file of ours is as large.
  return Number.parseInt(header.toString('latin1', 124, 136).replace(/\0.*$/, '').trim() || '0', 8)
}
