// A and B: what every tab of the workbench is about.
import type { CatalogueEntry } from '../course/catalogue.ts'
import type { Setup } from './setup.ts'

/** A scenario and the two setups that are looked at. */
export interface Pair {
  entry: CatalogueEntry
  a: Setup
  b: Setup
}
