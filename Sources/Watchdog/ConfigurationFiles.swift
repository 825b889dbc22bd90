import ByteText
package import Grants
import LinuxKit
package import Provenance
package import Sources

/// Reads the configuration from disk, with all that lies beside it.
package enum ConfigurationFiles {
  /// Where the vendor's agent descriptions lie; files of the same name beside the configuration
  /// take their place.
  static let vendorAgents = AgentSignatures.vendorFolder

  package struct Loaded {
    package var configuration: Configuration?
    package var agents: AgentSignatures
    package var recognizers: AdminRecognizers
    package var findings: [ConfigurationFinding]
  }

  /// Reads `path`, its drop-ins, webhooks, agents and recognisers.
  package static func load(_ path: String) -> Loaded {
    var (configuration, findings) = Configuration.load(
      path, read: read, list: { SmallFile.names(in: $0) })
    let folder = path.lastIndex(of: "/").map { String(path[..<$0]) } ?? "."
    let (agents, agentFindings) = AgentSignatures.read(
      files(in: [vendorAgents, folder + "/agents.d"], &findings))
    findings += agentFindings
    let (recognizers, recognizerFindings) = AdminRecognizers.read(
      files(in: [AdminRecognizers.vendorFolder, folder + "/recognizers.d"], &findings))
    findings += recognizerFindings
    return Loaded(
      configuration: findings.contains(where: \.isError) ? nil : configuration, agents: agents,
      recognizers: recognizers, findings: findings)
  }

  /// The `*.conf` files of some folders.
  private static func files(
    in folders: [String], _ findings: inout [ConfigurationFinding]
  ) -> [(path: String, bytes: [UInt8])] {
    var files: [(path: String, bytes: [UInt8])] = []
    for directory in folders {
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
    return files
  }

  private static func read(_ path: String) -> Result<[UInt8], ConfigurationReadFailure> {
    do throws(SystemError) {
      return .success(try SmallFile.read(path))
    } catch {
      return .failure(ConfigurationReadFailure(reason: error.reason))
    }
  }
}
