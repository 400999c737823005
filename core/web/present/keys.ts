// The keys of somebody who stands and talks. They must not fire while something is being typed, and
// a key that a button or a link understands is left to it.

export const keys = {
  next: { says: 'the next step', press: ['ArrowRight', 'PageDown', ' '], shown: '→ or Space' },
  back: { says: 'the step before', press: ['ArrowLeft', 'PageUp'], shown: '←' },
  run: { says: 'run what this step is about', press: ['r'], shown: 'R' },
  variant: { says: 'flip the variant', press: ['v'], shown: 'V' },
  backend: { says: 'flip the backend', press: ['b'], shown: 'B' },
  diff: { says: 'what differs between the two', press: ['d'], shown: 'D' },
  code: { says: 'nothing but the code', press: ['c'], shown: 'C' },
  recorded: { says: 'a run that was recorded before', press: ['o'], shown: 'O' },
  caption: { says: 'hide or show the sentence', press: ['s'], shown: 'S' },
  blank: { says: 'a blank screen, and back', press: ['.', 'k'], shown: '. or K' },
  larger: { says: 'larger', press: ['+', '='], shown: '+' },
  smaller: { says: 'smaller', press: ['-', '_'], shown: '−' },
  full: { says: 'the full screen', press: ['f'], shown: 'F' },
  help: { says: 'these keys', press: ['?'], shown: '?' },
  leave: { says: 'leave', press: ['Escape'], shown: 'Esc' },
} as const
export type Doing = keyof typeof keys

/** What a key means here; undefined where it is somebody else's. */
export const doingOf = (event: KeyboardEvent): Doing | undefined => {
  if (event.defaultPrevented || event.ctrlKey || event.metaKey || event.altKey) return undefined
  const target = event.target instanceof Element ? event.target : undefined
  if (target?.closest('input, textarea, select, [contenteditable]')) return undefined
  if (event.key === ' ' && target?.closest('button, a, summary, [role="button"]')) return undefined
  const key = event.key.length === 1 ? event.key.toLowerCase() : event.key
  return (Object.keys(keys) as Doing[]).find((doing) =>
    (keys[doing].press as readonly string[]).includes(key),
  )
}
