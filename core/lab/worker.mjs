// Starts a server process of a lab: makes Node understand TypeScript, then runs worker.ts.
import { register } from 'tsx/esm/api'

register({ tsconfig: false })
await import('./worker.ts')
