import { enableConfirming } from './confirm.ts'
import { enableCopying } from './copy.ts'
import { keepTyped } from './keep-typed.ts'
import { keepTimesCurrent } from './times.ts'

document.documentElement.classList.add('scripted')
keepTimesCurrent()
enableCopying()
enableConfirming()
keepTyped()
