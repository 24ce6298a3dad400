import {
  Add,
  clone,
  type GradConfig,
  Multiply,
  mul,
  Relu,
  Reshape,
  registerGradient,
  reshape,
  step,
  type Tensor,
  Transpose,
  transpose,
} from '@tensorflow/tfjs-core'

/**
 * Gradients of the few kernels that the models use outside of their own layers. The library's full set lies in a file
 * that Node cannot import, and pulls in every operation there is. No broadcasting: the shapes are equal.
 */
const GRADIENTS: GradConfig[] = [
  { kernelName: Add, gradFunc: (dy: Gradient) => ({ a: () => clone(of(dy)), b: () => clone(of(dy)) }) },
  {
    kernelName: Multiply,
    inputsToSave: ['a', 'b'],
    gradFunc: (dy: Gradient, [a, b]: Tensor[]) => ({ a: () => mul(of(dy), of(b)), b: () => mul(of(dy), of(a)) }),
  },
  {
    kernelName: Relu,
    inputsToSave: ['x'],
    gradFunc: (dy: Gradient, [x]: Tensor[]) => ({ x: () => mul(of(dy), step(of(x))) }),
  },
  {
    kernelName: Reshape,
    inputsToSave: ['x'],
    gradFunc: (dy: Gradient, [x]: Tensor[]) => ({ x: () => reshape(of(dy), of(x).shape) }),
  },
  {
    kernelName: Transpose,
    gradFunc: (dy: Gradient, _saved: Tensor[], attributes) => {
      const { perm } = attributes as unknown as { perm: number[] }
      const inverse = perm.map((_, axis) => perm.indexOf(axis))
      return { x: () => transpose(of(dy), inverse) }
    },
  },
]

/** Makes the gradients known, for `variableGrads`. */
export function registerGradients(): void {
  for (const config of GRADIENTS) registerGradient(config)
}

type Gradient = Tensor | Tensor[]

/** The tensor where the library's types allow for several or none. */
function of(tensor: Gradient | undefined): Tensor {
  if (tensor === undefined || Array.isArray(tensor))
    throw new RangeError('the kernel has one output and saves its inputs')
  return tensor
}
