// Mocha's own report, and at its end what needed another try, and one line that says how many tests
// passed, failed and were skipped.
const { reporters } = require('mocha')

module.exports = class extends reporters.Spec {
  constructor(runner, options) {
    super(runner, options)
    this.triedAgain = []
    runner.on('retry', (test, error) => {
      const title = [test.parent?.title, test.title].filter(Boolean).join(' › ')
      this.triedAgain.push(`${title}: ${String(error?.message ?? error).split('\n', 1)[0]}`)
    })
  }

  epilogue() {
    super.epilogue()
    const { passes, failures, pending } = this.stats
    if (this.triedAgain.length > 0)
      console.log(`Tried again, because at first:\n  ${this.triedAgain.join('\n  ')}\n`)
    console.log(`${passes} passed, ${failures} failed, ${pending} skipped`)
    // A run that something keeps from ending would wait for ever.
    setTimeout(() => {
      console.error(
        `This run does not end by itself. What is open: ${process.getActiveResourcesInfo()}`,
      )
      process.exit(failures > 0 ? 1 : 0)
    }, 60_000).unref()
  }
}
