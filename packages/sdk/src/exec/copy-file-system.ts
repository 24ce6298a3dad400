import { closeSync, fstatSync, openSync } from 'node:fs'
import { copyFile, cp, mkdir, readdir, rm } from 'node:fs/promises'

/** The calls with which files of a program are copied. Tests pass some that fail. */
export const copyFileSystem = { openSync, fstatSync, closeSync, copyFile, cp, mkdir, readdir, rm }
export type CopyFileSystem = typeof copyFileSystem
