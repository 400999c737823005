// Starts the process that sends load: makes Node understand TypeScript, then runs live-load-child.ts.
import { register } from 'tsx/esm/api'

register({ tsconfig: false })
await import('./live-load-child.ts')
