import ByteText
package import Grants
import LinuxKit

/// What every description of agents.d says of a process and its ancestors.
package struct AgentCheck: Sendable {
  /// A key of a description that fits a process.
  package struct Match: Equatable, Sendable {
    package var pid: Int32
    package var process: String
    /// `Executable`, `Environment`: the key of agents.d.
    package var key: String
    package var pattern: String
    package var found: String
    package var confidence: Confidence
  }

  /// One description, and where it fits.
  package struct Rule: Equatable, Sendable {
    package var agent: String
    package var file: String
    package var isRunner: Bool
    package var matches: [Match]
  }

  package var pid: Int32
  package var process: String
  package var uid: UInt32?
  package var chainText: String
  package var verdict: Provenance
  package var confidence: Confidence
  package var agent: AgentReference?
  package var because: [String]
  /// Those that fit first.
  package var rules: [Rule]
}

extension ProcessTable {
  /// Tries every description on a living process and its ancestors; nil where there is no such
  /// process.
  package func checkAgent(_ pid: Int32) -> AgentCheck? {
    guard pid > 0, files.stat(pid) != nil, let record = current(pid) else { return nil }
    let judged = attribute(pid: pid, alive: true, at: clock())
    let chain = chain(of: record)
    var matches: [String: [AgentCheck.Match]] = [:]
    for one in chain.records {
      let hits = ([one.image] + one.former).flatMap(\.hits) + AgentFindings.declared(one, self)
      for hit in hits {
        let match = AgentCheck.Match(
          pid: one.key.pid, process: one.image.name, key: hit.key, pattern: hit.pattern,
          found: hit.mark, confidence: hit.confidence)
        if matches[hit.agent]?.contains(match) != true {
          matches[hit.agent, default: []].append(match)
        }
      }
      guard let runner = one.image.runner else { continue }
      matches[runner.name, default: []].append(
        AgentCheck.Match(
          pid: one.key.pid, process: one.image.name, key: runner.mark.key,
          pattern: runner.mark.pattern, found: runner.mark.mark, confidence: runner.mark.confidence)
      )
    }
    let rules = (signatures.all + signatures.runners).map { signature in
      AgentCheck.Rule(
        agent: signature.name, file: signature.file, isRunner: signature.isRunner,
        matches: matches[signature.name] ?? [])
    }
    return AgentCheck(
      pid: pid, process: record.image.name, uid: record.effectiveUID, chainText: judged.chainText,
      verdict: judged.provenance, confidence: judged.confidence, agent: judged.agent,
      because: judged.because,
      rules: rules.filter { !$0.matches.isEmpty } + rules.filter { $0.matches.isEmpty })
  }
}
