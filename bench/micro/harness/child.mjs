// Starts the process of one variant: makes Node understand TypeScript, then runs child.ts.
import { register } from 'tsx/esm/api'

register({ tsconfig: false })
await import('./child.ts')
