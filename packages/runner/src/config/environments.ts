import type { EnvironmentStoreOptions } from '@trainyard/environments'
import { z } from 'zod'

/** Python environments of trainers. */
export interface EnvironmentsConfig
  extends Pick<EnvironmentStoreOptions, 'env' | 'maxBytes' | 'timeoutMs' | 'isIgnored'> {
  /** Default: `environments` in the data folder. */
  dir?: string | undefined
}

/** With `UV_PATH`, `PYTHON_INDEX_URL` and `PYTHON_INDEX_HOSTS`, which `@trainyard/environments` reads itself. */
const PythonEnvironment = z.object({
  PYTHON_ENVIRONMENTS_DIR: z.string().regex(/^\//, 'must be an absolute path').optional(),
  PYTHON_ENVIRONMENTS_MAX_GB: z.coerce.number().positive().default(50),
  PYTHON_ENVIRONMENT_TIMEOUT_SECONDS: z.coerce.number().positive().default(1800),
  PYTHON_INDEX_URL: z
    .string()
    .refine((text) => listOf(text).every((url) => /^https?:$/.test(URL.parse(url)?.protocol ?? '')), {
      error: 'must be a list of http or https URLs, separated by commas, for example https://pypi.org/simple',
    })
    .optional(),
  PYTHON_INDEX_HOSTS: z
    .string()
    .refine((text) => listOf(text).every((host) => /^[\w.-]+(:\d{1,5})?$/.test(host)), {
      error: 'must be a list of host or host:port, separated by commas, for example files.example.com',
    })
    .optional(),
  UV_PATH: z.string().regex(/^\//, 'must be an absolute path').optional(),
})
export const ENVIRONMENT_VARIABLES = PythonEnvironment.shape

/** What finds Pythons and uv, and what pip reads. */
const PASSED_ON = /^(PATH|HOME|UV_PATH|PYENV_ROOT|CONDA_PREFIX|SSL_CERT_FILE|PYTHON_INDEX_(URL|HOSTS)|PIP_\w+)$/

export function environmentsConfig(
  values: z.infer<typeof PythonEnvironment>,
  env: Readonly<Record<string, string | undefined>>,
): EnvironmentsConfig {
  return {
    dir: values.PYTHON_ENVIRONMENTS_DIR,
    maxBytes: values.PYTHON_ENVIRONMENTS_MAX_GB * 1e9,
    timeoutMs: values.PYTHON_ENVIRONMENT_TIMEOUT_SECONDS * 1000,
    env: Object.fromEntries(Object.entries(env).filter(([name]) => PASSED_ON.test(name))),
  }
}

function listOf(text: string): string[] {
  return text.split(/[\s,]+/).filter((part) => part !== '')
}
