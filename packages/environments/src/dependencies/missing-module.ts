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
}

/** Finds the last `ModuleNotFoundError` in the output of a Python program. */
export function findMissingModule(output: string): MissingModule | undefined {
  const [, module] = [...output.matchAll(/ModuleNotFoundError: No module named '([\w.]{1,200})'/g)].at(-1) ?? []
  if (module === undefined) return undefined
  const [top = module] = module.split('.')
  return { module, package: Object.hasOwn(PACKAGES, top) ? (PACKAGES[top] ?? top) : top.replaceAll('_', '-') }
}

/** Where a trainer declares its packages. */
export type Declared =
  | { in: 'file'; file: string }
  /** It has no `runtime`. */
  | { in: 'nothing' }
  | { in: 'image' }

/** What to do about a missing module, as one line. */
export function explainMissingModule(missing: MissingModule, interpreter: string, declared: Declared): string {
  const what = `The package "${missing.package}" (module "${missing.module}") is not installed for ${interpreter}, which looked for it`
  switch (declared.in) {
    case 'file':
      return `${what}. Add it to ${declared.file}`
    case 'image':
      return `${what}. Install it in the image`
    case 'nothing':
      return `${what}. Declare it: add "runtime": { "python": ">=3.10", "dependencies": "requirements.txt" } to trainer.json, and the package to requirements.txt`
  }
}
