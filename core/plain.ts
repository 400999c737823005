// Text from anywhere as text that can do nothing: what would reorder or hide the rest is spelled out.

// Control characters but tab and line feed, and the marks that change the direction of writing or
// take no room.
const hidden =
  // biome-ignore lint/suspicious/noControlCharactersInRegex: these are what is looked for
  /[\u0000-\u0008\u000b-\u001f\u007f-\u009f\u061c\u200b-\u200f\u2028-\u202e\u2060-\u206f\ufeff\ufff9-\ufffb]/g

/** With every character that cannot be seen as `\u202e`. */
export const plain = (text: string): string =>
  text.replace(hidden, (one) => `\\u${one.charCodeAt(0).toString(16).padStart(4, '0')}`)
