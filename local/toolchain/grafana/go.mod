module local/toolchain/grafana

go 1.25.0
