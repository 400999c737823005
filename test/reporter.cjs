// Mocha's own report, and at its end one line that says how many passed, failed and were skipped.
const { reporters } = require('mocha')

module.exports = class extends reporters.Spec {
  epilogue() {
    super.epilogue()
    const { passes, failures, pending } = this.stats
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
