import type {
  ConversionReport,
  ConvertDatasetOptions,
  DatasetReport,
  DataYamlOptions,
  SplitDatasetOptions,
  SplitResult,
  ValidateDatasetOptions,
} from '@trainyard/datasets'

// Loaded on the first call: importing the SDK stays cheap.
const tools = () => import('@trainyard/datasets')

/** Converts a dataset folder to another format. Throws `DatasetError`. See `convertDataset` of `@trainyard/datasets`. */
export async function convertDataset(options: ConvertDatasetOptions): Promise<ConversionReport> {
  return (await tools()).convertDataset(options)
}

/** Assigns every image of a dataset folder to a split, without writing anything. Throws `DatasetError`. */
export async function splitDataset(dir: string, options?: SplitDatasetOptions): Promise<SplitResult> {
  const { openDataset, splitDataset: split } = await tools()
  return split(await openDataset(dir), options)
}

/** Reports the contents and the problems of a dataset folder. Throws `DatasetError` when it cannot be read. */
export async function validateDataset(dir: string, options?: ValidateDatasetOptions): Promise<DatasetReport> {
  const { openDataset, validateDataset: validate } = await tools()
  return validate(await openDataset(dir), { dir, ...options })
}

/** The text of a YOLO `data.yaml` with all names quoted. Throws `DatasetError` for options that no loader accepts. */
export async function createDataYaml(options: DataYamlOptions): Promise<string> {
  return (await tools()).createDataYaml(options)
}
