import type { Bench } from '../workbench/workbench.tsx'

export const Run = ({ entry }: Bench) => <p>{entry.title}</p>
