// Small things that the parts of the page share.
import { h } from './dom.js'

/** @typedef {typeof import('./page.js').state} State */
/** @typedef {typeof import('./page.js').actions} Actions */
/** @typedef {import('./page.js').Entry} Entry */
/** @typedef {import('./page.js').Cell} Cell */
/** @typedef {import('./page.js').Desk} Desk */
/** @typedef {{ state: State, act: Actions, entry: Entry, desk: Desk, live: Setup, labUrl: string }} Open */
/** @typedef {{ id: string, variant: string, backends: Record<string, string>, knobs: Record<string, string> }} Setup */

/** Takes `scenario/variant@backends~knobs` apart. @param {string} id @param {Entry} entry @returns {Setup} */
export const parse = (id, entry) => {
  const [, variant = '', at = '', knobs = ''] =
    /^[^/]*\/([^@~]*)(?:@([^~]*))?(?:~(.*))?$/.exec(id) ?? []
  const pairs = (/** @type {string} */ text) =>
    Object.fromEntries(text.split(',').map((pair) => pair.split('=')))
  const needs = entry.variants.find((one) => one.id === variant)?.needs ?? []
  const backends = at.includes('=') ? pairs(at) : Object.fromEntries(needs.map((k) => [k, at]))
  return { id, variant, backends, knobs: knobs ? pairs(knobs) : {} }
}

/** @param {string} href @param {string} text @param {string} [label] */
export const link = (href, text, label) =>
  h.a({ href, target: '_blank', rel: 'noreferrer', 'aria-label': label }, text)

/** @param {string} text @param {() => void} onclick @param {import('./dom.js').Attributes} [attributes] */
export const press = (text, onclick, attributes = {}) =>
  h.button({ type: 'button', onclick, ...attributes }, text)

/** One digit after the point. @param {number} n */
export const round = (n) => Math.round(n * 10) / 10

/** @param {State} state @param {Entry} entry */
export const doorPath = (state, entry) => state.course?.doors[entry.id]?.path ?? '/'
