import Grants
import Provenance

extension Engine {
  /// Without descriptions no agent is ever found: that must show.
  func sayWhetherAgentsAreKnown(_ agents: AgentSignatures) {
    guard agents.all.isEmpty else { return problems.clear(.noAgents) }
    let text =
      "agents: none is described in \(ConfigurationFiles.vendorAgents) or in agents.d beside the"
      + " configuration: nothing can be an agent's doing"
    if problems.set(.noAgents, text) { settings.log(text) }
  }

  /// Reads the configuration again; the old one stays when the new one has an error.
  package func reload() {
    let loaded = ConfigurationFiles.load(settings.configurationFile)
    for finding in loaded.findings { settings.log("\(finding)") }
    guard let configuration = loaded.configuration else {
      let text = "configuration: \(settings.configurationFile): not usable; the old one stays"
      problems.set(.configuration, text)
      settings.log(text)
      return
    }
    turn {
      self.configuration = configuration
      processes.automation = Self.automation(of: configuration)
      processes.use(loaded.agents)
      takeAgentNews()
      sayWhetherAgentsAreKnown(loaded.agents)
      setEndpoints()
      openLogFiles()
      openConnectors()
      if configuration.watch == watchedTrees, configuration.journalDirectory == journalAtStart,
        configuration.adviceDirectory == adviceDirectoryAtStart
      {
        problems.clear(.configuration)
      } else {
        let text =
          "configuration: Watch=, [Journal] or AdviceDirectory= changed: restart the daemon for it"
        if problems.set(.configuration, text) { settings.log(text) }
      }
      // What is overdue may be taken back under the new rules.
      scheduleAll()
      record(
        "daemon.reloaded", text: "configuration read again, mode \(configuration.mode.rawValue)")
    }
  }
}
