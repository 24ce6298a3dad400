/** Modules whose packages have another name. */
const PACKAGES: Readonly<Record<string, string>> = {
  cv2: 'opencv-python-headless',
  PIL: 'pillow',
  sklearn: 'scikit-learn',
  skimage: 'scikit-image',
  yaml: 'pyyaml',
  bs4: 'beautifulsoup4',
  dateutil: 'python-dateutil',
  google: 'protobuf',
  pkg_resources: 'setuptools',
  trainyard_sdk: 'trainyard-sdk',
}

export interface MissingModule {
  /** As it was imported: `sklearn.metrics`. */
  module: string
  /** The package that probably has it: `scikit-learn`. */
  package: string
  /** The Python that looked for it, where the message names it. */
  interpreter?: string | undefined
}

/** Of `import` and, without quotes, of `python -m`. `; 'a' is not a package` follows where another module has the name. */
const MESSAGE = /No module named '([\w.]{1,200})'(?!; )|^(\S{0,1000}python[\d.]*): No module named ([\w.]{1,200})$/gm

/** Finds the last missing module in the output of a Python program. */
export function findMissingModule(output: string): MissingModule | undefined {
  const [, imported, interpreter, started] = [...output.matchAll(MESSAGE)].at(-1) ?? []
  const module = imported ?? started
  if (module === undefined) return undefined
  const [top = module] = module.split('.')
  const name = Object.hasOwn(PACKAGES, top) ? (PACKAGES[top] ?? top) : top.replaceAll('_', '-')
  return { module, package: name, interpreter }
}

/** The Python of a command, also after `trainyard exec`, a shell or a launcher. */
export function pythonOf(command: readonly string[]): string {
  return command.find((argument) => /(^|\/)python[\d.]*$/.test(argument)) ?? 'python3'
}

/** Where a trainer declares its packages. */
export type Declared =
  | { in: 'file'; file: string }
  /** It has no `runtime`. */
  | { in: 'nothing' }
  | { in: 'image' }
  /** In an image, or on a machine where it has no `runtime`. */
  | { in: 'unknown' }

/** What to do about a missing module, as one line. */
export function explainMissingModule(missing: MissingModule, python: string, declared: Declared): string {
  const what = `The package "${missing.package}" (module "${missing.module}") is not installed for ${missing.interpreter ?? python}, which looked for it`
  switch (declared.in) {
    case 'file':
      return `${what}. Add it to ${declared.file}`
    case 'image':
      return `${what}. Install it in the image`
    case 'unknown':
      return `${what}. Install it there, in an image with its Dockerfile, or declare "runtime" in trainer.json`
    case 'nothing':
      return `${what}. Declare it: add "runtime": { "python": ">=3.10", "dependencies": "requirements.txt" } to trainer.json, and the package to requirements.txt`
  }
}
