import type {
  ConversionReport,
  ConvertDatasetOptions,
  DatasetReport,
  DataYamlOptions,
  SplitDatasetOptions,
  SplitResult,
  ValidateDatasetOptions,
} from '@trainyard/datasets'

// The tools are loaded when they are first called: importing the core stays cheap.
const tools = () => import('@trainyard/datasets')

/** Converts a dataset's folder into another format. Throws `DatasetError`; see `convertDataset` of `@trainyard/datasets`. */
export async function convertDataset(options: ConvertDatasetOptions): Promise<ConversionReport> {
  return (await tools()).convertDataset(options)
}

/** Puts every image of a dataset's folder into a split, without writing anything. Throws `DatasetError`. */
export async function splitDataset(dir: string, options?: SplitDatasetOptions): Promise<SplitResult> {
  const { openDataset, splitDataset: split } = await tools()
  return split(await openDataset(dir), options)
}

/** Says what a dataset's folder holds and what is wrong with it. Throws `DatasetError` for one that cannot be read. */
export async function validateDataset(dir: string, options?: ValidateDatasetOptions): Promise<DatasetReport> {
  const { openDataset, validateDataset: validate } = await tools()
  return validate(await openDataset(dir), { dir, ...options })
}

/** The text of a YOLO `data.yaml`, every name quoted. Throws `DatasetError` for options that no loader accepts. */
export async function createDataYaml(options: DataYamlOptions): Promise<string> {
  return (await tools()).createDataYaml(options)
}
