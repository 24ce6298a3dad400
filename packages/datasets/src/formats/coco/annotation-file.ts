import { appendFileSync, createReadStream, rmSync } from 'node:fs'
import { open } from 'node:fs/promises'
import { TextFile } from '../../json/text-file.ts'

/** The ids of one kind in one file: those of the source while they are free, otherwise the next number. */
class Ids {
  readonly #taken = new Set<string | number>()
  #last = 0

  take(requested: string | number | undefined): string | number {
    const id = requested !== undefined && !this.#taken.has(requested) ? requested : this.#next()
    this.#taken.add(id)
    return id
  }

  #next(): number {
    do this.#last++
    while (this.#taken.has(this.#last))
    return this.#last
  }
}

/** A COCO file while it is written. Images and annotations grow in two files, which are joined at the end. */
export class AnnotationFile {
  readonly imageIds = new Ids()
  readonly annotationIds = new Ids()
  readonly #path: string
  readonly #images: TextFile
  readonly #annotations: TextFile
  #imageCount = 0
  #annotationCount = 0

  /** `head` are the members before `images`. */
  constructor(path: string, head: object) {
    this.#path = path
    this.#images = new TextFile(path)
    this.#annotations = new TextFile(`${path}.annotations`)
    this.#images.write(`${JSON.stringify(head).slice(0, -1)},"images":[`)
  }

  addImage(image: object): void {
    this.#images.write(`${this.#imageCount++ === 0 ? '\n' : ',\n'}${JSON.stringify(image)}`)
  }

  addAnnotation(annotation: object): void {
    this.#annotations.write(`${this.#annotationCount++ === 0 ? '\n' : ',\n'}${JSON.stringify(annotation)}`)
  }

  async finish(): Promise<void> {
    this.#images.write('\n],"annotations":[')
    this.close()
    await appendFile(`${this.#path}.annotations`, this.#path)
    appendFileSync(this.#path, '\n]}\n')
    rmSync(`${this.#path}.annotations`)
  }

  close(): void {
    this.#images.close()
    this.#annotations.close()
  }
}

async function appendFile(from: string, to: string): Promise<void> {
  const target = await open(to, 'a')
  try {
    for await (const chunk of createReadStream(from, { highWaterMark: 1 << 20 })) await target.write(chunk as Buffer)
  } finally {
    await target.close()
  }
}
