/** An element with its text or its children. */
export type XmlNode = readonly [name: string, content: string | number | readonly XmlNode[]]

/** Indents with tabs, as the devkit does, and ends with a newline. Names of elements are not escaped. */
export function writeXml(node: XmlNode, indent = ''): string {
  const [name, content] = node
  if (typeof content !== 'object') return `${indent}<${name}>${escapeXml(String(content))}</${name}>\n`
  if (content.length === 0) return `${indent}<${name}/>\n`
  return `${indent}<${name}>\n${content.map((child) => writeXml(child, `${indent}\t`)).join('')}${indent}</${name}>\n`
}

/** Escapes text. Characters that XML 1.0 cannot hold become U+FFFD. */
function escapeXml(text: string): string {
  return (
    text
      // biome-ignore lint/suspicious/noControlCharactersInRegex: replaces control characters
      .replace(/[\u0000-\u0008\u000b\u000c\u000e-\u001f\ufffe\uffff]|\p{Surrogate}/gu, '\ufffd')
      .replaceAll('&', '&amp;')
      .replaceAll('<', '&lt;')
      .replaceAll('>', '&gt;')
      .replace(/[\t\n\r]/g, (character) => `&#${character.charCodeAt(0)};`)
  )
}
