// Starts the load client: makes Node understand TypeScript, then runs process.ts.
import { register } from 'tsx/esm/api'

register({ tsconfig: false })
await import('./process.ts')
