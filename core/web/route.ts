// What is shown stands in the address, so that a link shows another person the same thing.
import { computed, signal } from '@preact/signals'

export const tabs = ['predict', 'run', 'investigate', 'modify', 'make'] as const
export type Tab = (typeof tabs)[number]

export interface Route {
  screen: 'home' | 'scenario' | 'machine' | 'record' | 'nowhere'
  /** Empty where none is open. */
  scenario: string
  tab: Tab
  /** What stands behind the `?`. */
  query: Readonly<Record<string, string>>
}

const address = signal(location.pathname + location.search)

/** What the address says. */
export const route = computed((): Route => read(address.value))

/** The route of a path such as `/s/rate-limits/run?a=gcra`. */
const read = (text: string): Route => {
  const url = new URL(text, location.origin)
  const [first = '', scenario = '', tab = ''] = url.pathname.slice(1).split('/').map(decode)
  const query = Object.fromEntries(url.searchParams)
  const known = tabs.find((one) => one === tab)
  const nothing = { scenario: '', tab: 'predict', query } as const
  if (first === '') return { screen: 'home', ...nothing }
  if (first === 's' && scenario)
    return { screen: 'scenario', scenario, tab: known ?? 'predict', query }
  if (first === 'machine' || first === 'record') return { screen: first, ...nothing }
  return { screen: 'nowhere', ...nothing }
}

const decode = (text: string): string => {
  try {
    return decodeURIComponent(text)
  } catch {
    return text
  }
}

type Query = Readonly<Record<string, string | undefined>>

/** A path with a query in which setup ids stay readable; members that are undefined or empty are left out. */
export const pathTo = (path: string, query: Query = {}): string => {
  const pairs = Object.entries(query)
    .filter((pair): pair is [string, string] => Boolean(pair[1]))
    .map(([name, value]) => `${name}=${encode(value)}`)
  return pairs.length > 0 ? `${path}?${pairs.join('&')}` : path
}

const encode = (value: string): string =>
  encodeURIComponent(value).replace(/%(40|3D|2C|2F|3A)/g, decodeURIComponent)

/** The path of a scenario's tab, with the query that is there now where it is the same scenario. */
export const tabPath = (scenario: string, tab: Tab, query?: Query): string => {
  const { a, b, live } = route.value.scenario === scenario ? route.value.query : {}
  return pathTo(`/s/${encodeURIComponent(scenario)}/${tab}`, { a, b, live, ...query })
}

/** Goes to another place of the page, as a link does. */
export const go = (path: string): void => {
  history.pushState(null, '', path)
  address.value = location.pathname + location.search
  scrollTo(0, 0)
}

/** Changes what stands behind the `?`; undefined takes a member away. Makes no step to go back to. */
export const setQuery = (change: Query): void => {
  history.replaceState(null, '', pathTo(location.pathname, { ...route.value.query, ...change }))
  address.value = location.pathname + location.search
}

addEventListener('popstate', () => {
  address.value = location.pathname + location.search
})
