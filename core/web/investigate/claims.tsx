import type { Bench } from '../workbench/workbench.tsx'

export const Claims = ({ entry }: Bench) => <p>{entry.title}</p>
