// A lock that the kernel keeps: SQLite's, on an empty file. It cannot be taken twice, and it is gone
// with the process that held it, however that ended. So there is no stale lock, and no guessing
// whether some process id still means the same process.
import Database from 'libsql'

export interface KernelLock {
  /** Whether it is ours now; false while another process has it. Throws what the file system says. */
  take(): boolean
  /** Gives it back; it may be taken again. */
  giveBack(): void
  /** Gives it back, and lets go of the file, which stays: to remove one that somebody may just be
      opening is how two come to hold it. */
  release(): void
}

// The driver closes a database that nobody holds on to any more, and with it the lock would be gone.
const held = new Set<Database.Database>()

/** Opens the lock at `file`, which is made where it is not there. `waitMs`: how long `take` waits. */
export const openKernelLock = (file: string, { waitMs = 0 } = {}): KernelLock => {
  const database = new Database(file, { timeout: waitMs })
  const giveBack = () => {
    if (held.delete(database)) database.exec('rollback')
  }
  return {
    take() {
      try {
        // A transaction that writes nothing locks the file, which stays empty.
        database.exec('begin exclusive')
        held.add(database)
        return true
      } catch (error) {
        if ((error as { code?: string }).code === 'SQLITE_BUSY') return false
        throw error
      }
    },
    giveBack,
    release() {
      giveBack()
      if (database.open) database.close()
    },
  }
}
