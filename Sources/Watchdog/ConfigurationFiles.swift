import ByteText
package import Grants
import LinuxKit
package import Provenance

/// Reads the configuration from disk, with all that lies beside it.
package enum ConfigurationFiles {
  /// Where the vendor's agent descriptions lie; files of the same name beside the configuration
  /// take their place.
  static let vendorAgents = "/usr/lib/grantwatch/agents.d"

  package struct Loaded {
    package var configuration: Configuration?
    package var agents: AgentSignatures
    package var findings: [ConfigurationFinding]
  }

  /// Reads `path`, its drop-ins, webhooks and agents.
  package static func load(_ path: String) -> Loaded {
    let (configuration, findings) = Configuration.load(
      path, read: { SmallFile.read($0) }, list: { DirectoryListing.names($0) })
    let folder = path.split(separator: "/", omittingEmptySubsequences: false).dropLast()
      .joined(separator: "/")
    let (agents, agentFindings) = AgentSignatures.load(
      directories: [vendorAgents, (folder.isEmpty ? "." : folder) + "/agents.d"])
    let all = findings + agentFindings
    return Loaded(
      configuration: all.contains(where: \.isError) ? nil : configuration, agents: agents,
      findings: all)
  }
}
