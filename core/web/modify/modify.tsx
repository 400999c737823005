import type { Bench } from '../workbench/workbench.tsx'

export const Modify = ({ entry }: Bench) => <p>{entry.title}</p>
