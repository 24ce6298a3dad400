/** The frameworks for which there is a template in Python. */
export const FRAMEWORK_NAMES = ['timm', 'huggingface', 'lightning', 'ultralytics'] as const
export type FrameworkName = (typeof FRAMEWORK_NAMES)[number]

/** What a new trainer can start from. */
export const TEMPLATE_NAMES = ['typescript', 'plain', 'python', ...FRAMEWORK_NAMES] as const
export type TemplateName = (typeof TEMPLATE_NAMES)[number]

export function isFramework(template: TemplateName): template is FrameworkName {
  return (FRAMEWORK_NAMES as readonly string[]).includes(template)
}
