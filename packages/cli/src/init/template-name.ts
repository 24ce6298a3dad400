/** What a new trainer can start from. */
export type TemplateName = 'typescript' | 'plain' | 'python'
