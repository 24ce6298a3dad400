import type nodeFs from 'node:fs/promises'

/** The file system calls that the folder store needs. Tests pass one whose calls fail. */
export type StoreFileSystem = Pick<
  typeof nodeFs,
  'mkdir' | 'open' | 'readdir' | 'readFile' | 'realpath' | 'rename' | 'rm' | 'rmdir' | 'stat' | 'unlink' | 'writeFile'
>
