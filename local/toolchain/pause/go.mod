module local/toolchain/pause

go 1.25.0
