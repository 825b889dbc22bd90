internal import ByteText
internal import LinuxKit

/// What an agent keeps on record of an agent of its own, where its hooks do not tell who started it.
///
/// Claude Code does so beside the session's transcript, `SESSION/subagents/agent-ID.meta.json`, with
/// the member `parentAgentId`; the file is there from the subagent's first tool call on.
struct HookRecord: Equatable {
  let path: String
  /// Bytes that such a file may have.
  private static let longest = 64 << 10

  /// Nil for an event that does not tell where that is.
  init?(_ agent: HookAgent, _ json: JSON) {
    let end = ".jsonl"
    guard agent == .claudeCode, let id = json["agent_id"].text, !id.isEmpty, id.utf8.count <= 128,
      id.utf8.allSatisfy({
        isAlphanumeric($0) || $0 == UInt8(ascii: "-") || $0 == UInt8(ascii: "_")
      }),
      let transcript = json["transcript_path"].text, transcript.hasPrefix("/"),
      transcript.hasSuffix(end)
    else { return nil }
    path = transcript.dropLast(end.count) + "/subagents/agent-\(id).meta.json"
  }

  /// The id of the one that started it; nil for the agent itself, and where nobody knows.
  func startedBy() -> String? {
    guard let file = try? OwnedFile(path, limit: Self.longest),
      let json = try? JSON.parse(file.bytes), let id = json["parentAgentId"].text, !id.isEmpty
    else { return nil }
    return HookEvent.cut(Array(id.utf8), to: 128)
  }
}
