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
    var (configuration, findings) = Configuration.load(
      path, read: read, list: { SmallFile.names(in: $0) })
    let folder = path.lastIndex(of: "/").map { String(path[..<$0]) } ?? "."
    var files: [(path: String, bytes: [UInt8])] = []
    for directory in [vendorAgents, folder + "/agents.d"] {
      for name in SmallFile.names(in: directory)
      where name.hasSuffix(".conf") && !name.hasPrefix(".") {
        let path = directory + "/" + name
        switch read(path) {
        case .success(let bytes): files.append((path, bytes))
        case .failure(let failure):
          findings.append(
            ConfigurationFinding(file: path, line: 1, isError: true, message: failure.reason))
        }
      }
    }
    let (agents, agentFindings) = AgentSignatures.read(files)
    findings += agentFindings
    return Loaded(
      configuration: findings.contains(where: \.isError) ? nil : configuration, agents: agents,
      findings: findings)
  }

  private static func read(_ path: String) -> Result<[UInt8], ConfigurationReadFailure> {
    do throws(SystemError) {
      return .success(try SmallFile.read(path))
    } catch {
      return .failure(ConfigurationReadFailure(reason: error.reason))
    }
  }
}
