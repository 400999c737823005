import type { Bench } from '../workbench/workbench.tsx'

export const OneRequest = ({ entry }: Bench) => <p>{entry.title}</p>
