module local/toolchain/bookinfo

go 1.25.0
