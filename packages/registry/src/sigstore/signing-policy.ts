import { z } from 'zod'

const Signer = z.strictObject({
  /** The issuer of the signer's identity, as the certificate names it. */
  issuer: z.string().min(1),
  /** The signer: an e-mail address, or the address of a workflow. `*` stands for anything. */
  identity: z
    .string()
    .min(1)
    .refine((text) => text.split('*').length <= 4, 'must have at most three "*"'),
})

/** Who signs the versions of a namespace, beside the publishers of each trainer, and whether someone must. */
export const SigningPolicies = z.array(
  z.strictObject({
    /** `*`: every namespace that has no entry of its own. */
    namespace: z.string().min(1),
    required: z.boolean().default(false),
    signers: z.array(Signer).default([]),
  }),
)
export type SigningPolicies = z.output<typeof SigningPolicies>
export type SigningPolicy = SigningPolicies[number]

export function policyFor(policies: SigningPolicies | undefined, namespace: string): SigningPolicy {
  const found = ['*', namespace].map((name) => policies?.find((policy) => policy.namespace === name))
  return found[1] ?? found[0] ?? { namespace, required: false, signers: [] }
}
