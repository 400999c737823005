import type { Bench } from '../workbench/workbench.tsx'

export const Predict = ({ entry }: Bench) => <p>{entry.title}</p>
