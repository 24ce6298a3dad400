import type { LogLevel, Operation, Role, TaskType } from '@trainyard/contract'
import { t } from '../words/t.ts'

/** Words of the API that pages show. In English they stay as they are, because commands take them. */
type ApiWord = Operation | TaskType | Role | LogLevel

const WORDS: Readonly<Record<ApiWord, string>> = {
  train: 'train',
  predict: 'predict',
  export: 'export',
  detection: 'detection',
  segmentation: 'segmentation',
  pose: 'pose',
  obb: 'obb',
  classification: 'classification',
  owner: 'owner',
  admin: 'admin',
  member: 'member',
  viewer: 'viewer',
  debug: 'debug',
  info: 'info',
  warning: 'warning',
  error: 'error',
}

/** A word of the API in the language of the page. Words of later servers stay as they are. */
export const apiWord = (word: string): string => t(Object.hasOwn(WORDS, word) ? WORDS[word as ApiWord] : word)

export const apiWords = (words: readonly string[]): string => words.map(apiWord).join(', ')
