import { createCommandGroup } from '../command-group.ts'

export const command = createCommandGroup({
  name: 'dataset',
  usage: 'SRC [DST] [options]',
  subcommands: {
    convert: { summary: 'Write a dataset in another format', load: () => import('./dataset/convert.ts') },
    split: { summary: 'Put images into train, val and test', load: () => import('./dataset/split.ts') },
    validate: {
      summary: 'Count what is in a dataset, and find what is wrong',
      load: () => import('./dataset/validate.ts'),
    },
    show: { summary: 'Draw images with their objects on a contact sheet', load: () => import('./dataset/show.ts') },
  },
  about: `SRC is a folder in the format dice, coco, yolo, voc, labelme or imagefolder: which one is told from what is in it.
The help of a command: trainyard dataset convert --help

Examples:
  trainyard dataset validate ./flowers
  trainyard dataset convert ./flowers ./flowers-yolo --to yolo
`,
})
