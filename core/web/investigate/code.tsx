import type { Bench } from '../workbench/workbench.tsx'

export const Code = ({ entry }: Bench) => <p>{entry.title}</p>
