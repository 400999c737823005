// The page is drawn anew after every change, as a tree of plain elements, and `patch` carries over
// what differs, so that focus, selection and scrolling stay. Text only ever becomes text.

/** @typedef {Node | string | number | false | null | undefined} Child */
/** @typedef {Record<string, unknown>} Attributes */
/** @typedef {HTMLElementTagNameMap} Elements */
/** @typedef {{ [Tag in keyof Elements]: (...parts: (Attributes | Child | Child[])[]) => Elements[Tag] }} Tags */

const listeners = /** @type {const} */ (['onclick', 'onchange', 'onkeydown', 'ontoggle'])

/** A function for every tag: `h.p({ class: 'said' }, 'Hello ', h.strong('you'))`. */
export const h = /** @type {Tags} */ (
  new Proxy(
    {},
    {
      get:
        (_, tag) =>
        (/** @type {unknown[]} */ ...parts) =>
          build(String(tag), parts),
    },
  )
)

/** @param {string} tag @param {unknown[]} parts */
const build = (tag, parts) => {
  const element = document.createElement(tag)
  for (const part of parts.flat())
    if (part instanceof Node) element.append(part)
    else if (part instanceof Object) describe(element, part)
    else if (part !== false && part !== null && part !== undefined)
      element.append(plain(String(part)))
  return element
}

/** Names that begin with `on` are listeners; what is false or undefined is left out. @param {HTMLElement} element @param {object} attributes */
const describe = (element, attributes) => {
  for (const [name, value] of Object.entries(attributes))
    if (name.startsWith('on')) Object.assign(element, { [name]: value })
    else if (value !== undefined && value !== false)
      element.setAttribute(name, value === true ? '' : String(value))
}

/** Control characters and those that turn text around, made visible. @param {string} text */
export const plain = (text) =>
  // biome-ignore lint/suspicious/noControlCharactersInRegex: they are what it looks for
  text.replace(/[\0-\x08\x0b-\x1f\x7f-\x9f\u200e\u200f\u202a-\u202e\u2066-\u2069]/g, (c) => {
    return `\\u${c.charCodeAt(0).toString(16).padStart(4, '0')}`
  })

/**
 * Makes `old` look like `fresh`. Elements with another id are other elements.
 * @param {Node} old
 * @param {Node} fresh
 */
export const patch = (old, fresh) => {
  if (old instanceof Text && fresh instanceof Text) {
    if (old.data !== fresh.data) old.data = fresh.data
  } else if (
    old instanceof HTMLElement &&
    fresh instanceof HTMLElement &&
    old.tagName === fresh.tagName &&
    old.id === fresh.id
  )
    patchElement(old, fresh)
  else old.parentNode?.replaceChild(fresh, old)
}

/** @param {HTMLElement} old @param {HTMLElement} fresh */
const patchElement = (old, fresh) => {
  for (const { name } of [...old.attributes])
    if (!fresh.hasAttribute(name) && name !== 'open') old.removeAttribute(name)
  // Whether details are open is the reader's business.
  for (const { name, value } of fresh.attributes)
    if (old.getAttribute(name) !== value && name !== 'open') old.setAttribute(name, value)
  for (const name of listeners) Object.assign(old, { [name]: fresh[name] })
  if (old instanceof HTMLInputElement && fresh instanceof HTMLInputElement) {
    old.checked = fresh.checked
    // What somebody is typing is not written over.
    if (old !== document.activeElement && old.value !== fresh.value) old.value = fresh.value
  }
  patchChildren(old, fresh)
  // Not touched where it is right: its list may be open.
  if (old instanceof HTMLSelectElement && fresh instanceof HTMLSelectElement)
    if (old.selectedIndex !== fresh.selectedIndex) old.selectedIndex = fresh.selectedIndex
}

/** Children with an id keep to themselves; the others are matched in order. @param {HTMLElement} old @param {HTMLElement} fresh */
const patchChildren = (old, fresh) => {
  const ids = new Set([...fresh.children].map(({ id }) => id))
  for (const child of [...old.children]) if (child.id && !ids.has(child.id)) child.remove()
  let next = old.firstChild
  for (const child of [...fresh.childNodes]) {
    const known = next
    if (known && idOf(known) === idOf(child)) {
      next = known.nextSibling
      patch(known, child)
    } else old.insertBefore(child, known)
  }
  while (next) {
    const last = next
    next = next.nextSibling
    last.remove()
  }
}

const idOf = (/** @type {Node} */ node) => (node instanceof Element ? node.id : '')
