import { enableConfirming } from './confirm.ts'
import { enableCopying } from './copy.ts'
import { keepTimesCurrent } from './times.ts'

document.documentElement.classList.add('scripted')
keepTimesCurrent()
enableCopying()
enableConfirming()
