/*
 * NVIDIA's two user-mode driver libraries, as far as StackCheck calls them, playing the machine in a scenario file.
 *
 *   cc -shared -fPIC -DNVML -Wl,-soname,libnvidia-ml.so.1 -o libnvidia-ml.so.1 fake_driver.c
 *   cc -shared -fPIC -DCUDA -Wl,-soname,libcuda.so.1      -o libcuda.so.1      fake_driver.c
 *
 * FAKE_DRIVER_SCENARIO names the file: lines `key=value`, `#` begins a comment.
 *   count, driver, nvml, cuda         what the system calls answer
 *   gpu.<i>.<key>, gpu.*.<key>        what the device calls answer; `na` makes a call answer NOT_SUPPORTED
 *   ret.<function>[.<i>]=<code>       the call returns that code, for GPU i or for all
 *   hang.<function>[.<i>]=1           it never returns; crash.…=1 it dies of a signal; say.…=TEXT it prints first
 *   ignore_sigterm=1                  from the first call on, SIGTERM is ignored
 * A function that an old driver lacks is played by ret.…=13: pynvml reports a missing symbol by the same code.
 */
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define API __attribute__((visibility("default")))
#define SUCCESS 0
#define UNINITIALIZED 1
#define INVALID_ARGUMENT 2
#define NOT_SUPPORTED 3
#define NOT_FOUND 6
#define INSUFFICIENT_SIZE 7
#define ARGUMENT_VERSION_MISMATCH 25
#define ENTRIES_MAX 4096

typedef unsigned int u32;
typedef unsigned long long u64;

static struct { char *key, *value; } entries[ENTRIES_MAX];
static int entry_count = -1;

static char *trimmed(char *text) {
    while (*text == ' ' || *text == '\t') text++;
    char *end = text + strlen(text);
    while (end > text && strchr(" \t\r\n", end[-1])) *--end = 0;
    return text;
}

static const char *look_up(const char *key);

static void read_scenario(void) {
    entry_count = 0;
    const char *name = getenv("FAKE_DRIVER_SCENARIO");
    FILE *file = name ? fopen(name, "r") : NULL;
    char line[1024];
    while (file && entry_count < ENTRIES_MAX && fgets(line, sizeof line, file)) {
        char *equals = strchr(line, '=');
        if (*trimmed(line) == '#' || !equals) continue;
        *equals = 0;
        entries[entry_count].key = strdup(trimmed(line));
        entries[entry_count++].value = strdup(trimmed(equals + 1));
    }
    if (file) fclose(file);
    if (look_up("ignore_sigterm")) signal(SIGTERM, SIG_IGN);
}

static const char *look_up(const char *key) {
    if (entry_count < 0) read_scenario();
    for (int i = entry_count - 1; i >= 0; i--) /* the last line of a key wins, so that a scenario can be amended */
        if (!strcmp(entries[i].key, key)) return entries[i].value;
    return NULL;
}

static const char *of_call(const char *kind, const char *function, long gpu) {
    char key[256];
    if (gpu >= 0) {
        snprintf(key, sizeof key, "%s.%s.%ld", kind, function, gpu);
        const char *value = look_up(key);
        if (value) return value;
    }
    snprintf(key, sizeof key, "%s.%s", kind, function);
    return look_up(key);
}

/* What the scenario makes this call do; SUCCESS lets it go on. */
static int behave(const char *function, long gpu) {
    const char *value = of_call("say", function, gpu);
    if (value) puts(value), fflush(stdout);
    if (of_call("hang", function, gpu)) for (;;) pause();
    if (of_call("crash", function, gpu)) raise(SIGSEGV), abort();
    value = of_call("ret", function, gpu);
    return value ? (int)strtol(value, NULL, 0) : SUCCESS;
}

static long number(const char *key, long otherwise) {
    const char *value = look_up(key);
    return value ? strtol(value, NULL, 0) : otherwise;
}

#ifdef CUDA

API int cuDriverGetVersion(int *version) {
    int code = behave("cuDriverGetVersion", -1);
    if (!code) *version = (int)number("cuda", 12080);
    return code;
}

API int cuInit(u32 flags) {
    (void)flags;
    return behave("cuInit", -1);
}

API int cuDeviceGetCount(int *count) {
    int code = behave("cuDeviceGetCount", -1);
    if (!code) *count = (int)number("count", 0);
    return code;
}

API int cuDeviceGet(int *device, int ordinal) {
    int code = behave("cuDeviceGet", ordinal);
    if (!code) *device = ordinal;
    return code;
}

/* 75 and 76 are the compute capability's two attributes, which conda and rattler ask for. */
API int cuDeviceGetAttribute(int *value, int attribute, int device) {
    char key[64];
    int code = behave("cuDeviceGetAttribute", device);
    if (code) return code;
    snprintf(key, sizeof key, "gpu.%d.cc", device);
    long capability = number(key, number("gpu.*.cc", 90));
    *value = attribute == 75 ? (int)(capability / 10) : attribute == 76 ? (int)(capability % 10) : 0;
    return SUCCESS;
}

#else /* NVML */

static int initialised;

/* Handles are GPU + 1; a MIG device's is 0x10000 * (instance + 1) above its GPU's. */
static long gpu_of(void *handle) { return ((long)(intptr_t)handle & 0xffff) - 1; }
static long instance_of(void *handle) { return ((long)(intptr_t)handle >> 16) - 1; }

static const char *of_gpu(long gpu, const char *name) {
    char key[256];
    snprintf(key, sizeof key, "gpu.%ld.%s", gpu, name);
    const char *value = look_up(key);
    if (value) return value;
    snprintf(key, sizeof key, "gpu.*.%s", name);
    return look_up(key);
}

static int unavailable(long gpu, const char *name) {
    const char *value = of_gpu(gpu, name);
    return value && !strcmp(value, "na");
}

static u64 value_of(long gpu, const char *name, u64 otherwise) {
    const char *value = of_gpu(gpu, name);
    return value ? strtoull(value, NULL, 0) : otherwise;
}

static int put_text(const char *text, char *buffer, u32 size) {
    if (strlen(text) >= size) return INSUFFICIENT_SIZE;
    strcpy(buffer, text);
    return SUCCESS;
}

#define BEGIN(function, gpu)                                       \
    do {                                                           \
        if (!initialised) return UNINITIALIZED;                    \
        int code_ = behave(function, gpu);                         \
        if (code_) return code_;                                   \
    } while (0)
#define BEGIN_DEVICE(function)                                     \
    long gpu = gpu_of(device);                                     \
    BEGIN(function, gpu);                                          \
    if (gpu < 0 || gpu >= number("count", 0)) return INVALID_ARGUMENT

/* --- the system */

API int nvmlInitWithFlags(u32 flags) {
    (void)flags;
    int code = behave("nvmlInit", -1);
    initialised |= !code;
    return code;
}
API int nvmlInit_v2(void) { return nvmlInitWithFlags(0); }
API int nvmlShutdown(void) { BEGIN("nvmlShutdown", -1); return SUCCESS; }
API const char *nvmlErrorString(int code) { return code ? "fake driver's error" : "Success"; }

API int nvmlSystemGetDriverVersion(char *text, u32 size) {
    BEGIN("nvmlSystemGetDriverVersion", -1);
    const char *value = look_up("driver");
    return put_text(value ? value : "570.133.20", text, size);
}
API int nvmlSystemGetNVMLVersion(char *text, u32 size) {
    BEGIN("nvmlSystemGetNVMLVersion", -1);
    const char *value = look_up("nvml");
    return put_text(value ? value : "12.570.133.20", text, size);
}
API int nvmlSystemGetCudaDriverVersion_v2(int *version) {
    BEGIN("nvmlSystemGetCudaDriverVersion_v2", -1);
    *version = (int)number("cuda", 12080);
    return SUCCESS;
}
API int nvmlSystemGetCudaDriverVersion(int *version) { return nvmlSystemGetCudaDriverVersion_v2(version); }

struct conf_compute { u32 environment, feature, dev_tools; };
API int nvmlSystemGetConfComputeState(struct conf_compute *state) {
    BEGIN("nvmlSystemGetConfComputeState", -1);
    if (!look_up("conf_compute")) return NOT_SUPPORTED;
    *state = (struct conf_compute){2, (u32)number("conf_compute", 0), 0};
    return SUCCESS;
}
API int nvmlSystemGetConfComputeGpusReadyState(u32 *ready) {
    BEGIN("nvmlSystemGetConfComputeGpusReadyState", -1);
    if (!look_up("conf_compute")) return NOT_SUPPORTED;
    *ready = (u32)number("conf_compute_ready", 1);
    return SUCCESS;
}

/* --- devices */

API int nvmlDeviceGetCount_v2(u32 *count) {
    BEGIN("nvmlDeviceGetCount_v2", -1);
    *count = (u32)number("count", 0);
    return SUCCESS;
}
API int nvmlDeviceGetHandleByIndex_v2(u32 index, void **device) {
    BEGIN("nvmlDeviceGetHandleByIndex_v2", index);
    if (index >= (u32)number("count", 0)) return INVALID_ARGUMENT;
    *device = (void *)(intptr_t)(index + 1);
    return SUCCESS;
}
API int nvmlDeviceGetIndex(void *device, u32 *index) {
    BEGIN_DEVICE("nvmlDeviceGetIndex");
    *index = (u32)gpu;
    return SUCCESS;
}
API int nvmlDeviceGetName(void *device, char *text, u32 size) {
    BEGIN_DEVICE("nvmlDeviceGetName");
    const char *name = of_gpu(gpu, "name");
    char instance[160];
    if (!name) name = "NVIDIA H100 80GB HBM3";
    if (instance_of(device) < 0) return put_text(name, text, size);
    const char *profile = of_gpu(gpu, "mig_profile");
    snprintf(instance, sizeof instance, "%s MIG %s", name, profile ? profile : "1g.10gb");
    return put_text(instance, text, size);
}
API int nvmlDeviceGetUUID(void *device, char *text, u32 size) {
    BEGIN_DEVICE("nvmlDeviceGetUUID");
    char uuid[96];
    const char *given = of_gpu(gpu, "uuid");
    if (instance_of(device) >= 0)
        snprintf(uuid, sizeof uuid, "MIG-%08lx-1111-5222-8333-%012lx", gpu, instance_of(device));
    else if (given)
        snprintf(uuid, sizeof uuid, "%s", given);
    else
        snprintf(uuid, sizeof uuid, "GPU-%08lx-1111-2222-3333-444444444444", gpu);
    return put_text(uuid, text, size);
}
API int nvmlDeviceGetSerial(void *device, char *text, u32 size) {
    BEGIN_DEVICE("nvmlDeviceGetSerial");
    const char *serial = of_gpu(gpu, "serial");
    return !serial || !strcmp(serial, "na") ? NOT_SUPPORTED : put_text(serial, text, size);
}

struct pci_info { char legacy[16]; u32 domain, bus, device, id, subsystem; char address[32]; };
API int nvmlDeviceGetPciInfo_v3(void *device, struct pci_info *info) {
    BEGIN_DEVICE("nvmlDeviceGetPciInfo_v3");
    u32 domain = 0, bus = (u32)(0x18 + gpu), slot = 0;
    const char *address = of_gpu(gpu, "pci"); /* 0000:3b:00.0 */
    if (address) sscanf(address, "%x:%x:%x", &domain, &bus, &slot);
    *info = (struct pci_info){"", domain, bus, slot, (u32)value_of(gpu, "device_id", 0x233010de), 0, ""};
    snprintf(info->legacy, sizeof info->legacy, "%04X:%02X:%02X.0", domain & 0xffff, bus & 0xff, slot & 0x1f);
    snprintf(info->address, sizeof info->address, "%08X:%02X:%02X.0", domain, bus & 0xff, slot & 0x1f);
    return SUCCESS;
}
API int nvmlDeviceGetCudaComputeCapability(void *device, int *major, int *minor) {
    BEGIN_DEVICE("nvmlDeviceGetCudaComputeCapability");
    u64 capability = value_of(gpu, "cc", 90);
    *major = (int)(capability / 10), *minor = (int)(capability % 10);
    return SUCCESS;
}

struct memory { u64 total, free, used; };
struct memory_v2 { u32 version; u64 total, reserved, free, used; };
static u64 mebibytes(long gpu, const char *name, u64 otherwise) { return value_of(gpu, name, otherwise) << 20; }
API int nvmlDeviceGetMemoryInfo(void *device, struct memory *memory) {
    BEGIN_DEVICE("nvmlDeviceGetMemoryInfo");
    if (unavailable(gpu, "memory")) return NOT_SUPPORTED;
    u64 total = mebibytes(gpu, "memory", 81559), used = mebibytes(gpu, "memory_used", 4);
    *memory = (struct memory){total, total - used, used};
    return SUCCESS;
}
API int nvmlDeviceGetMemoryInfo_v2(void *device, struct memory_v2 *memory) {
    BEGIN_DEVICE("nvmlDeviceGetMemoryInfo_v2");
    if (memory->version != 0x02000028) return ARGUMENT_VERSION_MISMATCH;
    struct memory plain;
    int code = nvmlDeviceGetMemoryInfo(device, &plain);
    if (!code) *memory = (struct memory_v2){memory->version, plain.total, 0, plain.free, plain.used};
    return code;
}

/* Calls that give one number; `na` in the scenario, or no line and no default, is NOT_SUPPORTED. */
#define NONE (~0ull)
#define GET_NUMBER(type, function, name, otherwise)                \
    API int function(void *device, type *value) {                  \
        BEGIN_DEVICE(#function);                                   \
        u64 found = value_of(gpu, name, otherwise);                \
        if (unavailable(gpu, name) || found == NONE) return NOT_SUPPORTED; \
        *value = (type)found;                                      \
        return SUCCESS;                                            \
    }
GET_NUMBER(u32, nvmlDeviceGetMinorNumber, "minor", (u64)gpu)
GET_NUMBER(u32, nvmlDeviceGetBrand, "brand", 14)
GET_NUMBER(u32, nvmlDeviceGetArchitecture, "arch", 9)
GET_NUMBER(u32, nvmlDeviceGetPersistenceMode, "persistence", 1)
GET_NUMBER(u32, nvmlDeviceGetComputeMode, "compute_mode", 0)
GET_NUMBER(u32, nvmlDeviceGetDisplayActive, "display", 0)
GET_NUMBER(u64, nvmlDeviceGetCurrentClocksEventReasons, "event_reasons", 1)
GET_NUMBER(u32, nvmlDeviceGetCurrPcieLinkWidth, "link_width", 16)
GET_NUMBER(u32, nvmlDeviceGetMaxPcieLinkWidth, "max_link_width", 16)
GET_NUMBER(u32, nvmlDeviceGetCurrPcieLinkGeneration, "link_generation", 5)
GET_NUMBER(u32, nvmlDeviceGetMaxPcieLinkGeneration, "max_link_generation", 5)
GET_NUMBER(u32, nvmlDeviceGetPcieReplayCounter, "replays", 0)
GET_NUMBER(u32, nvmlDeviceGetVirtualizationMode, "virtualization", 0)
GET_NUMBER(u32, nvmlDeviceGetEnforcedPowerLimit, "power_limit", 700000)
GET_NUMBER(u32, nvmlDeviceGetPowerUsage, "power", 71000)
GET_NUMBER(u32, nvmlDeviceGetRetiredPagesPendingStatus, "retired_pages_pending", NONE)

API int nvmlDeviceGetTemperature(void *device, u32 sensor, u32 *value) {
    (void)sensor;
    BEGIN_DEVICE("nvmlDeviceGetTemperature");
    if (unavailable(gpu, "temperature")) return NOT_SUPPORTED;
    *value = (u32)value_of(gpu, "temperature", 34);
    return SUCCESS;
}
API int nvmlDeviceGetEccMode(void *device, u32 *current, u32 *pending) {
    BEGIN_DEVICE("nvmlDeviceGetEccMode");
    if (unavailable(gpu, "ecc")) return NOT_SUPPORTED;
    *current = *pending = (u32)value_of(gpu, "ecc", 1);
    return SUCCESS;
}
/* kind 0 corrected, 1 uncorrected; everything was counted in DRAM (location 2) */
API int nvmlDeviceGetMemoryErrorCounter(void *device, u32 kind, u32 counter, u32 location, u64 *count) {
    (void)counter;
    BEGIN_DEVICE("nvmlDeviceGetMemoryErrorCounter");
    if (unavailable(gpu, "ecc") || !value_of(gpu, "ecc", 1)) return NOT_SUPPORTED;
    *count = location == 2 ? value_of(gpu, kind ? "ecc_uncorrected" : "ecc_corrected", 0) : 0;
    return SUCCESS;
}
API int nvmlDeviceGetRemappedRows(void *device, u32 *corrected, u32 *uncorrected, u32 *pending, u32 *failed) {
    BEGIN_DEVICE("nvmlDeviceGetRemappedRows");
    if (unavailable(gpu, "ecc") || value_of(gpu, "cc", 90) < 80) return NOT_SUPPORTED;
    *corrected = (u32)value_of(gpu, "remapped_corrected", 0);
    *uncorrected = (u32)value_of(gpu, "remapped_uncorrected", 0);
    *pending = (u32)value_of(gpu, "remap_pending", 0);
    *failed = (u32)value_of(gpu, "remap_failed", 0);
    return SUCCESS;
}
API int nvmlDeviceValidateInforom(void *device) {
    BEGIN_DEVICE("nvmlDeviceValidateInforom");
    return unavailable(gpu, "inforom") ? NOT_SUPPORTED : SUCCESS;
}
API int nvmlDeviceGetGspFirmwareVersion(void *device, char *text) {
    BEGIN_DEVICE("nvmlDeviceGetGspFirmwareVersion");
    if (unavailable(gpu, "gsp") || value_of(gpu, "cc", 90) < 75) return NOT_SUPPORTED;
    const char *version = of_gpu(gpu, "gsp");
    if (!version) version = look_up("driver");
    return put_text(version ? version : "570.133.20", text, 64);
}

struct fabric { u32 version; unsigned char cluster[16]; u32 status, clique, state, mask; unsigned char summary; };
API int nvmlDeviceGetGpuFabricInfoV(void *device, struct fabric *info) {
    BEGIN_DEVICE("nvmlDeviceGetGpuFabricInfoV");
    u32 version = (u32)number("fabric_version", 3);
    if (info->version != (version == 3 ? 0x03000028u : 0x02000024u)) return ARGUMENT_VERSION_MISMATCH;
    info->status = (u32)value_of(gpu, "fabric_status", 0);
    info->clique = 0;
    info->state = (u32)value_of(gpu, "fabric_state", 0);
    info->mask = (u32)value_of(gpu, "fabric_health", 0);
    if (version == 3) info->summary = (unsigned char)value_of(gpu, "fabric_summary", info->state == 3);
    return SUCCESS;
}

struct field_value { u32 field, scope; int64_t time, latency; u32 type, code; union { double d; u32 u; u64 l; } value; };
API int nvmlDeviceGetFieldValues(void *device, int count, struct field_value *values) {
    BEGIN_DEVICE("nvmlDeviceGetFieldValues");
    for (int i = 0; i < count; i++) {
        int known = values[i].field == 230 && of_gpu(gpu, "recovery_action"); /* GPU_RECOVERY_ACTION */
        values[i].code = known ? SUCCESS : NOT_SUPPORTED;
        values[i].type = 1;
        values[i].value.u = known ? (u32)value_of(gpu, "recovery_action", 0) : 0;
    }
    return SUCCESS;
}

struct licence_expiry { uint32_t year; uint16_t month, day, hour, minute, second; uint8_t status; };
struct licence { u32 code, state; char info[128], product[128]; u32 enabled; struct licence_expiry expiry; };
struct licences { int supported; u32 count; struct licence features[3]; };
API int nvmlDeviceGetGridLicensableFeatures_v4(void *device, struct licences *licences) {
    BEGIN_DEVICE("nvmlDeviceGetGridLicensableFeatures_v4");
    memset(licences, 0, sizeof *licences);
    if (!of_gpu(gpu, "licensed")) return SUCCESS;
    licences->supported = 1, licences->count = 1;
    licences->features[0].code = 4; /* vGPU for compute */
    licences->features[0].state = (u32)value_of(gpu, "licensed", 1);
    strcpy(licences->features[0].product, "NVIDIA Virtual Compute Server");
    return SUCCESS;
}

struct process { u32 pid; u64 memory; u32 gpu_instance, compute_instance; };
API int nvmlDeviceGetComputeRunningProcesses_v3(void *device, u32 *count, struct process *processes) {
    BEGIN_DEVICE("nvmlDeviceGetComputeRunningProcesses_v3");
    if (unavailable(gpu, "processes")) return NOT_SUPPORTED;
    const char *pids = of_gpu(gpu, "processes"); /* 4711,4712 */
    u32 found = 0, room = *count;
    for (const char *at = pids; at && *at; at = strchr(at, ',') ? strchr(at, ',') + 1 : NULL, found++)
        if (processes && found < room) processes[found] = (struct process){(u32)strtoul(at, NULL, 10), 1 << 30, ~0u, ~0u};
    *count = found;
    return found > room ? INSUFFICIENT_SIZE : SUCCESS;
}

/* --- MIG, NVLink, peers */

API int nvmlDeviceGetMigMode(void *device, u32 *current, u32 *pending) {
    BEGIN_DEVICE("nvmlDeviceGetMigMode");
    if (unavailable(gpu, "mig") || !of_gpu(gpu, "mig")) return NOT_SUPPORTED;
    *current = (u32)value_of(gpu, "mig", 0);
    *pending = (u32)value_of(gpu, "mig_pending", *current);
    return SUCCESS;
}
API int nvmlDeviceGetMaxMigDeviceCount(void *device, u32 *count) {
    BEGIN_DEVICE("nvmlDeviceGetMaxMigDeviceCount");
    *count = of_gpu(gpu, "mig") ? 7 : 0;
    return SUCCESS;
}
API int nvmlDeviceGetMigDeviceHandleByIndex(void *device, u32 index, void **instance) {
    BEGIN_DEVICE("nvmlDeviceGetMigDeviceHandleByIndex");
    if (!value_of(gpu, "mig", 0) || index >= value_of(gpu, "mig_count", 0)) return NOT_FOUND;
    *instance = (void *)(intptr_t)(0x10000 * (long)(index + 1) + gpu + 1);
    return SUCCESS;
}
API int nvmlDeviceGetNvLinkState(void *device, u32 link, u32 *active) {
    BEGIN_DEVICE("nvmlDeviceGetNvLinkState");
    u64 links = value_of(gpu, "nvlinks", 0);
    if (!links) return NOT_SUPPORTED;
    if (link >= links) return INVALID_ARGUMENT;
    *active = link < value_of(gpu, "nvlinks_active", links);
    return SUCCESS;
}
API int nvmlDeviceGetP2PStatus(void *device, void *peer, u32 capability, u32 *status) {
    (void)peer, (void)capability;
    BEGIN_DEVICE("nvmlDeviceGetP2PStatus");
    *status = (u32)value_of(gpu, "p2p", 0);
    return SUCCESS;
}

#endif
