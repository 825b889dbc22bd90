import ByteText
import Grants
import Notify

/// An event as the daemon hands it over.
func sampleEvent(
  _ sequence: Int64 = 17, type: String = "grant.detected", severity: String = "high",
  text: String = "claude-code gave everyone read write execute on /srv/data (6 items)"
) -> JSON {
  let digits = String(sequence)
  let id = "msg_" + String(repeating: "0", count: 10 - digits.utf8.count) + digits
  return .object([
    JSONMember("sequence", .integer(sequence)), JSONMember("id", .string(id)),
    JSONMember("type", .string(type)),
    JSONMember("time", .string("2026-11-22T10:00:03.122Z")),
    JSONMember("severity", .string(severity)), JSONMember("subject", .string("g-4kq7m2")),
    JSONMember("source", .string("grantwatch://web1")),
    JSONMember(
      "data",
      .object([
        JSONMember(
          "grant",
          .object([
            JSONMember("id", .string("g-4kq7m2")), JSONMember("kind", .string("file-mode")),
            JSONMember("activeSeconds", .number(61.4)), JSONMember("advice", .null),
          ])), JSONMember("text", .string(text)), JSONMember("code", .string("7QK-M2X")),
      ])),
  ])
}
