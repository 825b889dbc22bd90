package enum JournalSend { package static func send(_ fields: [(String, String)]) {} }
package enum ServiceNotify { package static func send(_ text: String) {}
 package static var watchdogInterval: Int64? { nil } }
