import type { Bench } from '../workbench/workbench.tsx'

export const Make = ({ entry }: Bench) => <p>{entry.title}</p>
