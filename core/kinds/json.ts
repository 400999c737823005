/** What `JSON.parse` can return. Every kind keeps JSON and nothing else. */
export type Json =
  | null
  | boolean
  | number
  | string
  | readonly Json[]
  | { readonly [name: string]: Json }
